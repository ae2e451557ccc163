#!/bin/sh
# Paths as text, without looking at any file: clean, ext, stem, depth, join, rel.

clean() {
    case $1 in
        /*) lead=/ ;;
        *) lead= ;;
    esac
    kept=
    old_ifs=$IFS
    IFS=/
    set -f
    for part in $1; do
        case $part in
            ''|.) ;;
            ..)
                case $kept in
                    ''|..|*/..) [ -n "$lead" ] || kept=${kept:+$kept/}.. ;;
                    */*) kept=${kept%/*} ;;
                    *) kept= ;;
                esac
                ;;
            *) kept=${kept:+$kept/}$part ;;
        esac
    done
    set +f
    IFS=$old_ifs
    kept=$lead$kept
    echo "${kept:-.}"
}

ext() {
    name=${1##*/}
    case $name in
        ?*.*) echo ".${name##*.}" ;;
        *) echo "" ;;
    esac
}

stem() {
    name=${1##*/}
    case $name in
        ?*.*) echo "${name%.*}" ;;
        *) echo "$name" ;;
    esac
}

depth() {
    path=$(clean "$1")
    case $path in
        .|/) echo 0 ;;
        *) echo "${path#/}" | awk -F / '{ print NF }' ;;
    esac
}

join() {
    joined=
    for part in "$@"; do
        case $part in
            /*) joined=$part ;;
            *) joined=${joined:+$joined/}$part ;;
        esac
    done
    clean "$joined"
}

rel() {
    from=$(clean "$1")
    to=$(clean "$2")
    common=$from
    up=
    while [ "$common" != "." ] && [ "${to#"$common"/}" = "$to" ] && [ "$to" != "$common" ]; do
        up=../$up
        case $common in
            */*) common=${common%/*} ;;
            *) common=. ;;
        esac
    done
    if [ "$to" = "$common" ]; then
        rest=
    elif [ "$common" = "." ]; then
        rest=$to
    else
        rest=${to#"$common"/}
    fi
    clean "$up$rest"
}

case $1 in
    clean) clean "$2" ;;
    ext) ext "$2" ;;
    stem) stem "$2" ;;
    depth) depth "$2" ;;
    join) shift; join "$@" ;;
    rel) rel "$2" "$3" ;;
    *) echo "usage: pathtool.sh clean|ext|stem|depth|join|rel" >&2; exit 2 ;;
esac
