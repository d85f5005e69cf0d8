# Update bundles: development keys, and bundles signed anew. `make bundle` builds one with Yocto.
#
#   KEYS                      the folder of the keys; build/keys by default, with development keys
#   BUNDLE, OUT               of bundle-resign: the bundle to start from, and the one to make
#   KEYRING, OVERLAY, VERSION of bundle-resign; `bundle/resign --help` has all options (ARGS)

KEYS ?= build/keys

.PHONY: bundle-keys bundle-resign bundle-reference

bundle-keys: programs-bundle ## development keys in KEYS (build/keys); what is there stays
	@bundle/pki $(KEYS)

bundle-resign: programs-bundle ## sign BUNDLE anew as OUT with KEYS; OVERLAY, VERSION, KEYRING as wanted
	@bundle/resign $(BUNDLE) $(OUT) --keyring $(or $(KEYRING),$(KEYS)/ca.pem) --ca $(KEYS)/ca.pem \
		--cert $(KEYS)/bundle.pem --key $(KEYS)/bundle.key \
		$(if $(OVERLAY),--overlay $(OVERLAY)) $(if $(VERSION),--version $(VERSION)) $(ARGS)

bundle-reference: $(RUN_READY) ## write docs/reference/migration.md from bundle/migration.toml
	@$(BIN)/python bundle/reference.py docs/reference/migration.md

.PHONY: programs-bundle
programs-bundle:
	@tools/need.sh openssl rauc mksquashfs=squashfs-tools debugfs=e2fsprogs
