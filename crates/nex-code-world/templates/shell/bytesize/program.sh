#!/bin/sh
# Sizes in bytes for people, and back: `format 1536` prints 1.5K, `parse 1.5K` prints 1536.

format_size() {
    size=$1
    unit=0
    rest=0
    while [ "$size" -ge 1024 ] && [ "$unit" -lt 4 ]; do
        rest=$(( (size % 1024) * 10 / 1024 ))
        size=$((size / 1024))
        unit=$((unit + 1))
    done
    letter=$(echo "B K M G T" | cut -d ' ' -f $((unit + 1)))
    if [ "$rest" -gt 0 ] && [ "$size" -lt 100 ]; then
        echo "$size.$rest$letter"
    else
        echo "$size$letter"
    fi
}

parse_size() {
    number=${1%[BKMGT]}
    letter=${1#"$number"}
    case $number in
        ''|*[!0-9.]*|*.*.*) echo "no size: $1" >&2; return 2 ;;
    esac
    whole=${number%%.*}
    tenths=0
    case $number in
        *.*) tenths=${number#*.}; tenths=${tenths%"${tenths#?}"} ;;
    esac
    factor=1
    case $letter in
        K) factor=1024 ;;
        M) factor=$((1024 * 1024)) ;;
        G) factor=$((1024 * 1024 * 1024)) ;;
        T) factor=$((1024 * 1024 * 1024 * 1024)) ;;
    esac
    echo $((whole * factor + ${tenths:-0} * factor / 10))
}

total() {
    sum=0
    while read -r size _; do
        bytes=$(parse_size "$size") || continue
        sum=$((sum + bytes))
    done
    format_size "$sum"
}

case $1 in
    format) format_size "$2" ;;
    parse) parse_size "$2" ;;
    total) total ;;
    *) echo "usage: bytesize.sh format|parse SIZE, or total" >&2; exit 1 ;;
esac
