# The operator's image for those who have a container engine; scripts/build-operator-image makes it without one.
#   ./scripts/build-operator-image --rootfs dist/operator-rootfs.tar
#   docker build --tag rancheros-operator .
FROM scratch
ADD dist/operator-rootfs.tar /
USER 65532:65532
ENTRYPOINT ["/usr/bin/rancheros-operator"]
