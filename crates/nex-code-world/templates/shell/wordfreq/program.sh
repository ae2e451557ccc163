#!/bin/sh
# Counts words on standard input: `wordfreq.sh [-n COUNT] [-m LENGTH] [-c]`.
#   -n COUNT   at most so many lines (10)
#   -m LENGTH  only words of at least so many letters (1)
#   -c         keep capitals apart

count=10
length=1
keep_case=no
while [ $# -gt 0 ]; do
    case $1 in
        -n) count=$2; shift 2 ;;
        -m) length=$2; shift 2 ;;
        -c) keep_case=yes; shift ;;
        *) echo "unknown option: $1" >&2; exit 2 ;;
    esac
done

fold() {
    if [ "$keep_case" = yes ]; then
        cat
    else
        tr '[:upper:]' '[:lower:]'
    fi
}

fold | tr -cs '[:alpha:]' '\n' | awk -v length_min="$length" '
    length($0) >= length_min && length($0) > 0 {
        total++
        if (++found[$0] == 1) {
            distinct++
        }
    }
    END {
        for (word in found) {
            printf "%d %s %d%%\n", found[word], word, found[word] * 100 / total
        }
        if (distinct == 0) {
            exit 1
        }
    }' > /tmp/wordfreq.$$
status=$?
LC_ALL=C sort -k1,1nr -k2,2 /tmp/wordfreq.$$ | head -n "$count"
rm -f /tmp/wordfreq.$$
exit "$status"
