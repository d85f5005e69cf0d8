SUMMARY = "The charging controller's firmware with tools for developers"
DESCRIPTION = "As chargectl-image, with debugger, tracer and further tools. Not for a charger in the street."

require chargectl-image.inc

IMAGE_FEATURES += "tools-debug"
IMAGE_INSTALL += "\
    ethtool \
    i2c-tools \
    libgpiod-tools \
    python3-modules \
    python3-pip \
    rsync \
    strace \
    systemd-analyze \
    tcpdump \
    usbutils \
"
