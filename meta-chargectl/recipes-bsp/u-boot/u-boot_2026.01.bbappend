# Only for this layer's machines; everything else builds U-Boot as OE-Core does.
require ${@'u-boot-chargectl.inc' if __import__('re').match(d.getVar('CHARGECTL_MACHINES'), d.getVar('MACHINE') or '') else ''}
