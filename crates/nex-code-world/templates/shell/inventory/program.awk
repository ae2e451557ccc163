# Reads `item,warehouse,quantity,price` lines with a header and reports on the stock.
# Variables: mode is total, low, or top; limit is the threshold of low and the number of top.

function value_of(quantity, price) {
    return quantity * price
}

function sorted(array, keys,    count, i, j, held) {
    count = 0
    for (held in array) {
        count++
        keys[count] = held
    }
    for (i = 2; i <= count; i++) {
        held = keys[i]
        j = i - 1
        while (j >= 1 && keys[j] > held) {
            keys[j + 1] = keys[j]
            j--
        }
        keys[j + 1] = held
    }
    return count
}

BEGIN {
    FS = ","
    if (mode == "") {
        mode = "total"
    }
}

NR == 1 { next }

NF != 4 {
    bad++
    next
}

{
    stock[$1] += $3
    worth[$1] += value_of($3, $4)
    all += value_of($3, $4)
    if (!($2 in seen)) {
        seen[$2] = 1
        houses++
    }
}

END {
    n = sorted(stock, names)
    if (mode == "total") {
        for (i = 1; i <= n; i++) {
            printf "%s %d %.2f\n", names[i], stock[names[i]], worth[names[i]]
        }
        printf "total %.2f in %d\n", all, houses
    } else if (mode == "low") {
        for (i = 1; i <= n; i++) {
            if (stock[names[i]] < limit) {
                printf "%s %d\n", names[i], limit - stock[names[i]]
            }
        }
    } else if (mode == "top") {
        for (k = 1; k <= limit && k <= n; k++) {
            best = ""
            for (i = 1; i <= n; i++) {
                if (!(names[i] in used) && (best == "" || worth[names[i]] > worth[best])) {
                    best = names[i]
                }
            }
            used[best] = 1
            printf "%d. %s %.2f\n", k, best, worth[best]
        }
    }
    if (bad > 0) {
        printf "skipped %d\n", bad
        exit 3
    }
}
