#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Drive nouveau on the GeForce that Bochs emulates, an NV40: geforce.sh series|plain
# No page flips: nouveau is not atomic on such a card, so they have no out-fences.
# BOCHS is the directory in which Bochs was compiled. The root is busybox, the driver and our program. What
# may crash has a boot of its own; BOOTS=run runs less.
# geforce.sh needs says whether that can be run.
# Results: out/geforce-SIDE.{log,tsv,reports}; a line of the table is name, PASS, FAIL or SKIP, and what came
# out. Status 1: a test failed.
. "$(dirname "$0")/lib/run.sh"
. harness/lib/series.sh
. harness/lib/kernel.sh
side=$1
bochs=$(absolute "${BOCHS-}")
grep -q geforce6800 "$bochs/bochs" 2>/dev/null ||
	die 'BOCHS=directory is needed, where Bochs was compiled after configure --enable-geforce' \
		'--enable-x86-64 --enable-smp --enable-cdrom --with-nogui'
[ "$side" != needs ] || exit 0
begin
kernel_at "$side" geforce
root=$work/geforce-$side
result=out/geforce-$side
mkdir -p out
# A run that fails leaves no result of an earlier one.
rm -f "$result".*
run harness/kunit.sh "$side" geforce build || exit 2

# Of the kernel's headers, those that a C library does not have, or not as new.
rm -rf "$root"
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/lib/firmware" "$tmp/uapi/drm"
for header in drm drm_mode nouveau_drm; do
	cp "$src/include/uapi/drm/$header.h" "$tmp/uapi/drm/" || exit 2
done
gcc -O2 -Wall -Wextra -Wno-format-zero-length -Werror -static -pthread -D__user= -I"$tmp/uapi" \
	-idirafter "$src/include/uapi" -o "$root/bin/tests" harness/geforce/*.c || die 'cannot compile harness/geforce'

release=$(cat "$obj/include/config/kernel.release")
modules=$root/lib/modules/$release
mkdir -p "$modules"
find "$obj" -name '*.ko' -exec cp {} "$modules" \;
strip --strip-debug "$modules"/*.ko && busybox depmod -b "$root" "$release" || exit 2
cp "$(command -v busybox)" "$root/bin/" && ln -s busybox "$root/bin/sh" && cp harness/geforce/init "$root/init" &&
	python3 harness/geforce/mkvbios.py "$root/lib/firmware/nv40.rom" || exit 2
mkdir -p "$tmp/disk/boot/grub"
(cd "$obj" && "$src/usr/gen_initramfs.sh" -o "$tmp/disk/boot/root" -u squash -g squash "$root") ||
	die 'cannot make the initramfs'
cp "$obj/arch/x86/boot/bzImage" "$tmp/disk/boot/" || exit 2

# The serial port is the step's log. An oops resets the machine, which ends when it has something to say
# that nobody reads.
cat >"$tmp/bochsrc" <<EMULATOR
display_library: nogui
cpu: model=athlon64_venice, count=2, ips=100000000, ignore_bad_msrs=1
memory: guest=512, host=512
romimage: file=$bochs/bios/BIOS-bochs-latest, options=fastboot
vgaromimage: file=$bochs/bios/VGABIOS-lgpl/VGABIOS-lgpl-latest.bin
vga: extension=geforce, update_freq=1
pci: enabled=1, chipset=i440bx, slot5=geforce
geforce: model=geforce6800
clock: sync=none, time0=1767225600
ata0-master: type=cdrom, path=$tmp/disk.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=/dev/stdout
log: $tmp/bochs.log
panic: action=report
error: action=report
info: action=report
EMULATOR

boot() { # which tests, seconds
	words="console=ttyS0,115200 panic=1 oops=panic tsc=reliable kunit.enable=0 BOOT=$1"
	cat >"$tmp/disk/boot/grub/grub.cfg" <<-MENU
		set timeout=0
		menuentry geforce {
			linux /boot/bzImage $words
			initrd /boot/root
		}
	MENU
	grub-mkrescue -d /usr/lib/grub/i386-pc -o "$tmp/disk.iso" "$tmp/disk" >"$tmp/grub.log" 2>&1 ||
		die "cannot make a disk: $(first_error "$tmp/grub.log")"
	# shellcheck disable=SC2016 # expanded by the inner shell
	step "boot-$side-geforce-$1" timeout -k 5 "$2" \
		sh -c '"$1/bochs" -q -f "$2" 2>/dev/null | sed -u "/Rebooting in/q"' boot "$bochs" "$tmp/bochsrc"
	tr -d '\r' <"$build/log/boot-$side-geforce-$1.log" >>"$result.log"
}
boots=${BOOTS:-run hang killed suspend unload unbind}
# Limits of the tests are in time of the guest; this one is for an emulator that hangs, on whatever machine.
for boot in $boots; do
	boot "$boot" 3600
done
grep -q 'Brought up .* 2 CPUs' "$result.log" || die "the kernel did not run on two CPUs: $result.log"

# The last word on a row counts: a test that says so itself, and then has no end, fails. An oops can be in the
# middle of a line.
awk -v OFS='\t' -v boots="$boots" '
	$1 != "geforce:" { next }
	$2 == "end" { ended[$3] = 1; next }
	$2 == "debug_locks" { locks += $3; next }
	{
		state = $2 == "ok" ? "PASS" : $2 == "skip" ? "SKIP" : "FAIL"
		name = $2 == "not" ? $4 : $3
		if (name !~ /^[a-z0-9_.]+$/)
			next
		sub(/^geforce: (not )?[a-z]* [^ ]* ?/, "")
		if (!(name in row))
			order[++n] = name
		row[name] = state OFS $0
	}
	END {
		for (i = 1; i <= n; i++)
			print order[i], row[order[i]]
		n = split(boots, boot, " ")
		for (i = 1; i <= n; i++)
			print "boot." boot[i], (ended[boot[i]] ? "PASS" : "FAIL" OFS "crashed")
		print "lockdep_on", (locks == n ? "PASS" : "FAIL")
	}' "$result.log" >"$result.tsv"
reports "$result.log" >"$result.reports"
[ -s "$result.tsv" ] && ! grep -q FAIL "$result.tsv"
