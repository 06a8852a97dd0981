package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// The text that the server echoes; empty for a ping.
func textOf(kind string) string {
	if kind == "ping" || kind == "cold" {
		return ""
	}
	text, err := os.ReadFile(kind)
	must(err)
	return string(text)
}

// Connects, makes the calls and prints the measurements.
func measure(kind string, count int, connect func() func(int)) {
	call := connect()
	if kind == "cold" {
		call(0)
		fmt.Printf("{\"first_answer_ns\": %d, \"rss_kib\": %d}\n", monotonic(), residentKib())
		return
	}
	warmup := max(3, count/10)
	for number := range warmup {
		call(number)
	}
	cpu, wall := cpuUs(), time.Now()
	for number := range count {
		call(warmup + number)
	}
	spent, passed := cpuUs()-cpu, time.Since(wall)
	fmt.Printf("{\"count\": %d, \"cpu_us\": %.3f, \"wall_us\": %.3f, \"rss_kib\": %d}\n", count,
		spent/float64(count), float64(passed.Nanoseconds())/1e3/float64(count), usage().Maxrss)
}

func usage() (used syscall.Rusage) {
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return used
}

func cpuUs() float64 {
	used := usage()
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e3
}

// The value of CLOCK_MONOTONIC, which is comparable between processes; package time does not return it.
func monotonic() int64 {
	const clockMonotonic = 1
	var now syscall.Timespec
	_, _, failed := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&now)), 0)
	if failed != 0 {
		fail(failed)
	}
	return now.Nano()
}

func residentKib() (kib int) {
	status, err := os.ReadFile("/proc/self/status")
	must(err)
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			fmt.Sscan(rest, &kib)
		}
	}
	return kib
}
