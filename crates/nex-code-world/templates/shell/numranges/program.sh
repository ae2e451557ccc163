#!/bin/sh
# Lists of whole numbers and their short form: `compress 1 2 3 5` prints 1-3,5 and `expand 1-3,5`
# prints 1 2 3 5. `count` says how many numbers a short form holds, `has` whether it holds one.

emit() {
    if [ "$1" -eq "$2" ]; then
        piece=$1
    elif [ $(( $1 + 1 )) -eq "$2" ]; then
        piece=$1,$2
    else
        piece=$1-$2
    fi
    result=${result:+$result,}$piece
}

compress() {
    result=
    first=
    last=
    for number in $(printf '%s\n' "$@" | sort -n | uniq); do
        if [ -z "$first" ]; then
            first=$number
        elif [ "$number" -ne $((last + 1)) ]; then
            emit "$first" "$last"
            first=$number
        fi
        last=$number
    done
    if [ -n "$first" ]; then
        emit "$first" "$last"
    fi
    echo "$result"
}

expand() {
    result=
    for piece in $(echo "$1" | tr ',' ' '); do
        from=${piece%-*}
        to=${piece#*-}
        if [ "$from" -gt "$to" ]; then
            echo "backwards: $piece" >&2
            return 2
        fi
        while [ "$from" -le "$to" ]; do
            result="$result $from"
            from=$((from + 1))
        done
    done
    echo ${result# }
}

count() {
    expand "$1" | wc -w | tr -d ' '
}

has() {
    for number in $(expand "$1"); do
        if [ "$number" -eq "$2" ]; then
            return 0
        fi
    done
    return 1
}

case $1 in
    compress) shift; compress "$@" ;;
    expand) expand "$2" ;;
    count) count "$2" ;;
    has) has "$2" "$3" ;;
    *) echo "usage: numranges.sh compress|expand|count|has" >&2; exit 64 ;;
esac
