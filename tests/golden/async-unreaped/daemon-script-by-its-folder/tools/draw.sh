#!/bin/bash
xdotool key Shift
