# What docs/bring-your-own-image.md asks of an image, looked for in its unpacked tree. Sourced; $rootfs is the tree.

# Sets $found to where a path of the image leads, its links followed as the image sees them: none leads out of the tree.
in_image() {
  local left="${1#/}" at="" part link count=0
  while [[ -n "$left" ]]; do
    part="${left%%/*}"
    if [[ "$left" == */* ]]; then left="${left#*/}"; else left=""; fi
    case "$part" in
      '' | .) continue ;;
      ..) at="${at%/*}" && continue ;;
    esac
    if [[ -L "$rootfs$at/$part" ]]; then
      count=$((count + 1))
      ((count <= 40)) || return 1
      link="$(readlink -- "$rootfs$at/$part")"
      if [[ "$link" == /* ]]; then at=""; fi
      left="$link${left:+/$left}"
    else
      at="$at/$part"
    fi
  done
  found="$rootfs$at"
}

has_file() {
  local found
  in_image "$1" && [[ -f "$found" ]]
}

has_program() {
  local folder
  for folder in usr/bin usr/sbin bin sbin usr/local/bin usr/local/sbin; do
    if has_file "$folder/$1"; then return; fi
  done
  return 1
}

# Whether it is busybox that the image runs by this name. Programs of an image are not run here to find that out.
is_busybox() {
  local folder found
  for folder in usr/local/sbin usr/local/bin usr/sbin usr/bin sbin bin; do
    if has_file "$folder/$1"; then
      in_image "$folder/$1" && grep --quiet --text 'BusyBox v[0-9]' -- "$found"
      return
    fi
  done
  return 1
}

has_library() { [[ -n "$(find "$rootfs/lib" "$rootfs/lib64" "$rootfs"/usr/lib* -name "$1" -print -quit 2>/dev/null)" ]]; }

# One line each: what an installation, or the first start after it, would end for.
missing_parts() {
  local pair
  for pair in boot/vmlinuz:"a kernel" boot/initrd.img:"an initrd" sbin/init:systemd; do
    has_file "${pair%%:*}" || printf '/%s (%s)\n' "${pair%%:*}" "${pair#*:}"
  done
  for pair in usr/bin/ros-agent usr/lib/rancheros/init usr/lib/rancheros-release usr/lib/systemd/system/ros-agent-boot-check.service; do
    has_file "$pair" || printf '/%s (put there by build-image --base)\n' "$pair"
  done
  for pair in systemctl:systemd udevadm:udev modprobe:kmod tpm2_createek:tpm2-tools sfdisk:fdisk lsblk:util-linux losetup:mount blockdev:util-linux \
    mkfs.ext4:e2fsprogs fsck.ext4:e2fsprogs debugfs:e2fsprogs mkfs.vfat:dosfstools mcopy:mtools mmd:mtools mren:mtools setfattr:attr tar:tar find:findutils \
    grub-mkimage:grub-common; do
    has_program "${pair%%:*}" || printf '%s (in Debian: %s)\n' "${pair%%:*}" "${pair#*:}"
  done
  # What the first program of a slot asks of them busybox' do not know, and each start would go without what a release brings.
  for pair in find:findutils tar:tar; do
    ! is_busybox "${pair%%:*}" || printf '%s other than that of busybox (in Debian: %s)\n' "${pair%%:*}" "${pair#*:}"
  done
  for pair in libstdc++.so.6:libstdc++6 libatomic.so.1:libatomic1; do
    has_library "${pair%%:*}" || printf '%s (in Debian: %s)\n' "${pair%%:*}" "${pair#*:}"
  done
  for pair in i386-pc/boot.img:grub-pc-bin x86_64-efi/moddep.lst:grub-efi-amd64-bin; do
    has_file "usr/lib/grub/${pair%%:*}" || printf '/usr/lib/grub/%s (in Debian: %s)\n' "${pair%%:*}" "${pair#*:}"
  done
}

# One line each: what all machines would have in common, and each should have for itself.
shared_identity() {
  local found
  if in_image etc/machine-id && [[ -s "$found" && "$(head -c 13 -- "$found")" != uninitialized ]]; then
    printf '/etc/machine-id is not empty: all machines will be the same one to their network and their journals\n'
  fi
  if has_file etc/hostname; then printf '/etc/hostname names all machines alike, until a cloud-config says otherwise\n'; fi
  for found in "$rootfs"/etc/ssh/ssh_host_*_key; do
    if [[ -e "$found" ]]; then printf '/etc/ssh has a host key: whoever has the image has that of every machine\n' && return; fi
  done
}
