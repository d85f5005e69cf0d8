# The order of tasks is not this file's concern: tests/yocto/bitbake.py runs do_unpack, do_compile and do_install.
# As in logging.bbclass.
bbwarn() {
    echo "WARNING: $*"
}

bbfatal() {
    echo "ERROR: $*"
    exit 1
}

addtask unpack
addtask configure after do_unpack
addtask compile after do_configure
addtask install after do_compile

python do_unpack() {
    addresses = (d.getVar('SRC_URI') or '').split()
    if addresses:
        bb.fetch2.Fetch(addresses, d).unpack(d.getVar('UNPACKDIR'))
}

do_configure() {
    :
}

do_compile() {
    :
}

do_install() {
    :
}
