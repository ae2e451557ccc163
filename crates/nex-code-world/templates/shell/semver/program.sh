#!/bin/sh
# Versions MAJOR.MINOR.PATCH with an optional -PRERELEASE: check, bump, compare, latest.

is_number() {
    case $1 in
        ''|*[!0-9]*) return 1 ;;
        0) return 0 ;;
        0*) return 1 ;;
    esac
    return 0
}

split_version() {
    core=${1%%-*}
    pre=
    case $1 in
        *-*) pre=${1#*-} ;;
    esac
    major=${core%%.*}
    rest=${core#*.}
    minor=${rest%%.*}
    patch=${rest#*.}
    case $core in
        *.*.*.*) return 1 ;;
        *.*.*) ;;
        *) return 1 ;;
    esac
    is_number "$major" && is_number "$minor" && is_number "$patch"
}

bump() {
    split_version "$2" || return 2
    case $1 in
        major) echo "$((major + 1)).0.0" ;;
        minor) echo "$major.$((minor + 1)).0" ;;
        patch)
            if [ -n "$pre" ]; then
                echo "$major.$minor.$patch"
            else
                echo "$major.$minor.$((patch + 1))"
            fi
            ;;
        *) return 2 ;;
    esac
}

order() {
    if [ "$1" -lt "$2" ]; then
        echo lt
    elif [ "$1" -gt "$2" ]; then
        echo gt
    else
        echo eq
    fi
}

compare() {
    split_version "$1" || return 2
    a1=$major a2=$minor a3=$patch a4=$pre
    split_version "$2" || return 2
    for pair in "$a1 $major" "$a2 $minor" "$a3 $patch"; do
        result=$(order ${pair% *} ${pair#* })
        if [ "$result" != eq ]; then
            echo "$result"
            return 0
        fi
    done
    if [ "$a4" = "$pre" ]; then
        echo eq
    elif [ -z "$a4" ]; then
        echo gt
    elif [ -z "$pre" ]; then
        echo lt
    elif [ "$(printf '%s\n%s\n' "$a4" "$pre" | LC_ALL=C sort | head -n 1)" = "$a4" ]; then
        echo lt
    else
        echo gt
    fi
}

latest() {
    best=
    while read -r version; do
        split_version "$version" || continue
        [ -n "$pre" ] && [ "$1" != all ] && continue
        if [ -z "$best" ] || [ "$(compare "$version" "$best")" = gt ]; then
            best=$version
        fi
    done
    [ -n "$best" ] && echo "$best"
}

case $1 in
    check) split_version "$2" && echo valid || { echo invalid; exit 1; } ;;
    bump) bump "$2" "$3" ;;
    compare) compare "$2" "$3" ;;
    latest) latest "$2" ;;
    *) echo "usage: semver.sh check|bump|compare|latest" >&2; exit 64 ;;
esac
