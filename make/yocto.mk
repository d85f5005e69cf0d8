# The firmware image by kas and BitBake. docs/how-to/build-the-image.md says what is needed and how long it takes.
#
#   WITH      files of kas/ to add: make image WITH="qemu dev"
#   KEYS      folder of whom the image trusts (ca.pem) and of who signs bundles (bundle.pem, bundle.key); by default
#             build/keys, with development keys that are made there
#   VERSION   of the image; version.mk has the default
#   JOBS      recipes built at the same time; by default as many as there are processors

.PHONY: image bundle sdk check-layer yocto-tools yocto-ready yocto-signer

CHARGECTL_CACHE ?= $(HOME)/.cache/chargectl
YOCTO_READY := $(VENV)/.ready-yocto
WITH ?=
KEYS ?= build/keys

empty :=
space := $(empty) $(empty)
# Nothing in an unpacked archive of the sources: the layer has a time of its own then.
COMMIT_TIME = $(shell git log -1 --format=%ct 2>/dev/null)
KAS_FILES = kas.yml$(subst $(space),,$(foreach name,$(WITH),:kas/$(name).yml))

KAS = \
	DL_DIR=$${DL_DIR:-$(CHARGECTL_CACHE)/yocto/downloads} \
	SSTATE_DIR=$${SSTATE_DIR:-$(CHARGECTL_CACHE)/yocto/sstate} \
	CHARGECTL_VERSION=$(IMAGE_VERSION) \
	$(addprefix CHARGECTL_EPOCH=,$(COMMIT_TIME)) \
	CHARGECTL_PKI=$$(kas/keys $(KEYS)) \
	CHARGECTL_PKI_DIR=$(abspath $(KEYS)) \
	$(if $(JOBS),BB_NUMBER_THREADS=$(JOBS)) \
	$(BIN)/kas

image: yocto-ready ## the firmware image for a new eMMC, in build/tmp/deploy/images (hours the first time)
	$(KAS) build $(KAS_FILES)

bundle: yocto-ready yocto-signer ## the signed update bundles of that image (KEYS=FOLDER: signed with keys of your own)
	$(KAS) build --target chargectl-bundle --target chargectl-bundle-casync $(KAS_FILES)

sdk: yocto-ready ## a compiler with the image's libraries, as an installer for other machines
	$(KAS) build --task populate_sdk --target chargectl-image-dev $(KAS_FILES)

check-layer: yocto-ready ## yocto-check-layer on meta-chargectl with the upstream layers (an hour)
	$(KAS) shell -c '$(CURDIR)/kas/check-layer $(CURDIR)/build/layers' $(KAS_FILES)

yocto-tools: $(YOCTO_READY)

# Everything that would stop a build after an hour is looked at before.
yocto-ready: $(YOCTO_READY)
	@kas/host
	@if [ "$(KEYS)" = build/keys ]; then bundle/pki $(KEYS); fi
	@kas/keys $(KEYS) >/dev/null

yocto-signer: yocto-ready
	@kas/keys $(KEYS) bundle.pem bundle.key >/dev/null

$(YOCTO_READY): requirements/yocto.txt requirements/dev.txt
	@tools/venv.sh $(VENV) requirements/yocto.txt
	@touch $@
