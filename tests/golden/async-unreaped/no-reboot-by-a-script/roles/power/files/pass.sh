#!/bin/sh
if [ "$1" = now ]; then
  reboot
fi
/opt/firmware/install
