# SPDX-License-Identifier: GPL-2.0-only
# What out/bench/bench.csv says, as SVG and PNG: gnuplot -e "out = 'out/bench'" plots.gp
set datafile separator ','
csv = out . '/bench.csv'
pick(what, field) = sprintf("< awk -F , '%s { print $3 \",\" %s }' %s", what, field, csv)

do for [form in "svg png"] {
	if (form eq 'svg') { set terminal svg noenhanced size 900,600 background 'white' } \
	else { set terminal pngcairo noenhanced size 900,600 }

	set output out . '/counts.' . form
	set title 'Instructions, the series as part of the base'
	set style data histograms
	set style fill solid 0.6
	set boxwidth 0.8 relative
	set grid ytics
	unset logscale
	set yrange [0:*]
	set xtics rotate by -40
	set rmargin 10
	unset key
	plot pick('$1 == "icount" && $2 == "count" && $3 !~ /nops/', '$11') using 2:xtic(1) lc 'steelblue', \
		1 with lines lc 'black'

	do for [machine in "um qemu"] {
		set output out . '/held-up-' . machine . '.' . form
		set title 'Held up while another CPU runs callbacks of 1 us each, ' . machine
		set key left top
		set logscale xy
		set xrange [0.9:300]
		set yrange [*:*]
		set xtics norotate (1, 16, 256)
		set xlabel 'callbacks'
		set ylabel 'ns'
		row(name, field) = sprintf("< awk -F , '$1 == \"%s\" && $3 ~ \"^%s/\" { sub(/.*\\//, \"\", $3); print $3 \",\" %s }' %s", machine, name, field, csv)
		plot for [name in "emit get_status enable wait_signaled"] row(name, '$5') \
				using 1:2 with linespoints dt 2 title name . ', base', \
			for [name in "emit get_status enable wait_signaled"] row(name, '$8') \
				using 1:2 with linespoints title name . ', series'
		unset xrange
		unset xlabel
		unset ylabel
	}
}
