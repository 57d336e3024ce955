#!/bin/sh
make -C /opt/firmware install
/sbin/shutdown -r now
