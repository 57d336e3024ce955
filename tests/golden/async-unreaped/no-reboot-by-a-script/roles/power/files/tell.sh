#!/bin/sh
/opt/firmware/install
cat <<END
reboot
END
