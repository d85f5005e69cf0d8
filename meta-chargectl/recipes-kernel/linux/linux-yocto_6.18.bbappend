# Only for this layer's machines; everything else builds the kernel as OE-Core does.
require ${@'linux-yocto-chargectl.inc' if __import__('re').match(d.getVar('CHARGECTL_MACHINES'), d.getVar('MACHINE') or '') else ''}
