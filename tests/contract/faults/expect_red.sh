#!/bin/sh
# SPDX-License-Identifier: MIT
# expect_red.sh PROGRAM FAULT SUITE/TEST/STORE: the test is green as it is, and red with the fault.
set -u
program=$1 fault=$2 test=$3

green=$(env -u MCPSTATE_FAULT "$program" --gtest_filter="$test" 2>&1) || {
  echo "$green"
  echo "without a fault $test should be green"
  exit 1
}
case $green in
  *"[       OK ] $test"*) ;;
  *) echo "$green"; echo "there is no test $test"; exit 1 ;;
esac

red=$(MCPSTATE_FAULT=$fault "$program" --gtest_filter="$test" 2>&1)
case $red in
  *"[  FAILED  ] $test"*) echo "$test is red with the fault $fault, as it should be" ;;
  *) echo "$red"; echo "with the fault $fault $test should be red"; exit 1 ;;
esac
