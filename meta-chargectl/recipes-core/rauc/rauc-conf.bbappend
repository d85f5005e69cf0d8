# Only for the distribution chargectl.
require ${@'rauc-conf-chargectl.inc' if d.getVar('DISTRO') == 'chargectl' else ''}
