# What built systems and updates call themselves, unless VERSION says otherwise: the version of the distribution and the
# date of the last commit.
DISTRIBUTION_VERSION = $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' src/chargectl/pyproject.toml)
COMMIT_DATE = $(shell git log -1 --format=%cd --date=format:%Y%m%d 2>/dev/null)
IMAGE_VERSION = $(or $(VERSION),$(DISTRIBUTION_VERSION)$(addprefix +,$(COMMIT_DATE)))
