#!/bin/sh
cd /srv
./bench > bench.log 2>&1 &
