# SPDX-License-Identifier: GPL-2.0-only
# The checks as make sees them; test.sh runs this with GOALS. A check is harness/checks/NAME.sh, in test-all
# as soon as it is there. It has a line here if it is a part of make test, shares sources with others, or
# needs a kernel that others need, too.

names := $(sort $(patsubst harness/checks/%.sh,%,$(wildcard harness/checks/*.sh)))
# The state of one kernel, which variant runs for each; an emulator that not everybody has.
every := $(filter-out state $(if $(BOCHS),,geforce),$(names))

# make test: what finds something often or costs little. The rest is make test-all's.
often := drm commits lockdep rt selftests mutants cocci apply harness model checkpatch kerneldoc litmus shell
GOALS ?= $(often)

# A row shares the sources in one directory, build/series for user mode or build/step for x86-64, and is run
# in this order, one at a time. What is in no row runs beside everything.
um := kunit xe amdgpu i386 big drm lockdep selftests mutants preempt
# apply finds the people for the mails where checkpatch has looked them up.
x86 := checkpatch apply commits parts qemu rt kcsan devices modules i915 geforce vmwgfx clang sparse preempt

kernels := big qemu
wanted := $(GOALS) $(if $(filter drm lockdep selftests mutants,$(GOALS)),big) \
	$(if $(filter rt kcsan devices modules,$(GOALS)),qemu)

all: $(wanted)

names:
	@echo $(names)
often:
	@echo $(often)
every:
	@echo $(every)

prereq:
	@harness/prereq.sh && harness/prereq.sh test $(if $(filter clang devices i386,$(GOALS)),&& harness/prereq.sh test-all)
base: prereq
	@harness/base.sh
series: base
	@harness/commits.sh

# A kernel that cannot be built is for the checks to say, each of which asks for it again.
big: | series
	@harness/kunit.sh series big build || :
qemu: | series
	@harness/kunit.sh series rt build || :

$(names): | series
	@harness/check.sh $@

# Each member of a row waits for the one before it.
chain = $(if $(word 2,$(1)),$(eval $(word 2,$(1)): | $(word 1,$(1)))$(call chain,$(wordlist 2,99,$(1))))
$(call chain,$(filter $(wanted),$(um)))
$(call chain,$(filter $(wanted),$(x86)))

.PHONY: all names often every prereq base series $(kernels) $(names)
