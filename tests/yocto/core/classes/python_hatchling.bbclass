# As in OE-Core: a wheel without build isolation, put in place by `installer`.
PEP517_BUILD_OPTS ?= ""

do_compile() {
    ${TEST_PYTHON} -m build --no-isolation --wheel --outdir ${WORKDIR}/dist ${S} ${PEP517_BUILD_OPTS}
}

do_install() {
    ${TEST_PYTHON} -m installer --no-compile-bytecode --prefix=/usr --destdir=${D} ${WORKDIR}/dist/*.whl
    sed -i '1s,^#!.*python.*,#!/usr/bin/env python3,' ${D}${bindir}/*
    find ${D} -path '*.dist-info/RECORD' -delete
}
