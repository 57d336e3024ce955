#!/bin/sh
./bench 1 &
./bench 2 &
wait
