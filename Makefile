# SPDX-License-Identifier: GPL-2.0-only
# The door to the harness; "make help" explains the targets.
MAKEFLAGS += --no-print-directory
export KDIR OUT SIGNOFF TREE BASE MINUTES SOAK FULL BOCHS PART

all:                  ## the series from nothing to tested patches in out/series; KDIR=tree on that
	@harness/all.sh

help:                 ## this list
	@awk -F ' *## ' '/^[a-z%-]+:.*##/ { sub(/:.*/, "", $$1); printf "make %-12s %s\n", $$1, $$2 }' Makefile
	@echo 'make test-NAME is one of:' $$(harness/test.sh names)

base:                 ## get the kernel that the series is for, into build/
	@harness/base.sh

tree:                 ## build/tree: a git tree with the base and one commit a patch
	@harness/tree.sh

save:                 ## commits of build/tree (or of TREE=dir) back to series/ and our files
	@harness/save.sh

series:               ## mails for git am in out/series, a directory each part; PART=name KDIR=tree OUT=dir SIGNOFF=1
	@harness/series.sh

parts:                ## the parts of the series: patches, the tree that takes them, the parts they need
	@harness/series.sh parts

deb:                  ## patches for a Debian kernel source package in out/deb, tried with quilt
	@harness/deb.sh

test:                 ## the checks that CI runs
	@harness/test.sh

test-all:             ## every check there is; this takes hours
	@harness/test.sh all

test-%:               ## one check alone
	@harness/test.sh $*

docs:                 ## the kernel's driver-api book with the series in it, as HTML in out/docs
	@harness/docs.sh

bench:                ## base and series measured; table, CSV and plots in out/bench
	@harness/bench.sh all

bench-quick:          ## the instruction counts alone
	@harness/bench.sh quick

bench-times:          ## the times in QEMU alone, without user mode
	@harness/bench.sh times

bench-wake:           ## how late waits on nouveau's channels without events wake
	@harness/bench.sh wake

mutants:              ## break the series at one place at a time; each breakage must be caught
	@harness/mutants.sh

soak:                 ## boot stress and race suites again and again: MINUTES=10, SOAK=um without KASAN
	@harness/soak.sh

clean:                ## delete build/ and out/ (not while build/tree has unsaved work)
	@harness/clean.sh

.PHONY: all help base tree save series parts deb test test-all docs bench bench-quick bench-times bench-wake mutants soak clean
