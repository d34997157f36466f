# SPDX-License-Identifier: GPL-2.0-only
# Lines "machine kind row side run min p10 median p90 max samples" become a table, and a CSV
# file. A figure is the median of the medians of the runs, low and high are the extremes of those.
BEGIN {
	while ((getline line <goals) > 0)
		if (line !~ /^#/ && split(line, word, " ") == 4)
			goal[word[1] " " word[2] " " word[3]] = word[4]
	unit["count"] = "instructions"
	unit["reads"] = "times"
	unit["time"] = "ns"
	unit["stack"] = unit["frames"] = unit["size"] = unit["text"] = "bytes"
}

{
	where = $1 " " $2 " " $3
	if ($2 == "count" && $1 != "icount")
		next
	if (!(where in known)) {
		known[where] = 1
		order[++rows] = where
	}
	n = ++runs[where, $4]
	for (i = n; i > 1 && median[where, $4, i - 1] > $8; i--)
		median[where, $4, i] = median[where, $4, i - 1]
	median[where, $4, i] = $8
}

function middle(where, side) {
	return median[where, side, int((runs[where, side] + 1) / 2)]
}

function low_high(where, side) {
	return median[where, side, 1] "," median[where, side, runs[where, side]]
}

END {
	print "machine,kind,row,unit,base,base_low,base_high,series,series_low,series_high,ratio,goal" >csv
	printf "%-8s %-30s %12s %12s %8s %6s\n", "machine", "row", "base", "series", "ratio", "goal"
	for (i = 1; i <= rows; i++) {
		where = order[i]
		split(where, word, " ")
		if (!(where in goal))
			goal[where] = word[2] == "count" ? "1.00" : "-"
		base = runs[where, "base"] ? middle(where, "base") : ""
		series = runs[where, "series"] ? middle(where, "series") : ""
		ratio = base > 0 && series != "" ? sprintf("%.3f", series / base) : ""
		miss = ratio != "" && goal[where] != "-" && ratio + 0 > goal[where] + 0 ? " missed" : ""
		gsub(" ", ",", where)
		print where "," unit[word[2]] "," base "," low_high(order[i], "base") "," series "," \
			low_high(order[i], "series") "," ratio "," goal[order[i]] >csv
		if (word[2] != last)
			printf "\n%s, in %s\n", word[2], unit[word[2]]
		last = word[2]
		printf "%-8s %-30s %12s %12s %8s %6s%s\n", word[1], word[3], base, series, ratio,
			goal[order[i]], miss
	}
}
