# The factory image onto a disk: an eMMC that U-Boot shows over USB, or a card.
#
#   DEVICE      the whole disk: /dev/sdX
#   IMAGE       the image; by default the one that `make image` has built
#   YES=1       do not ask
#   FORCE_NAME  the disk's name, when the kernel takes it for one that is built in

.PHONY: flash

DEPLOYED := build/tmp/deploy/images/charge-control-c
IMAGE ?= $(firstword $(wildcard $(DEPLOYED)/chargectl-image-charge-control-c*.wic.gz $(DEPLOYED)/chargectl-image-*.wic.*z*))

flash: ## write the factory image to a disk and read it back: DEVICE=/dev/sdX [IMAGE=...]
	@if [ -z "$(DEVICE)" ]; then echo "make flash DEVICE=/dev/sdX: which disk? lsblk lists them" >&2; exit 2; fi
	@if [ -z "$(IMAGE)" ]; then echo "make flash: no image has been built: make image, or IMAGE=FILE" >&2; exit 2; fi
	@"$$(tools/find-python.sh)" -m tools.flash $(if $(YES),--yes) $(if $(FORCE_NAME),--force-name "$(FORCE_NAME)") \
		-- "$(IMAGE)" "$(DEVICE)"
