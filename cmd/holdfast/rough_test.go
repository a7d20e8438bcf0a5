package main

import (
	"testing"
	"time"
)

func TestRough(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{roughly(0), "0"},
		{roughly(0.0123), "0.012"},
		{roughly(9.96), "10"},
		{roughly(1234), "1,200"},
		{roughly(999_999), "1 million"},
		{roughly(1.26e6), "1.3 million"},
		{roughly(254e6), "250 million"},
		{roughly(1e9), "1 billion"},
		{roughly(3.14e14), "310 trillion"},
		{roughBytes(300), "300 B"},
		{roughBytes(1023), "1,000 B"},
		{roughBytes(1030), "1,000 B"},
		{roughBytes(1100), "1.1 KiB"},
		{roughBytes(590 << 20), "590 MiB"},
		{roughBytes(5 << 60), "5,100 PiB"},
		{roughShare(0), "0 %"},
		{roughShare(0.0009), "under 0.1 %"},
		{roughShare(0.1), "10 %"},
		{roughShare(23.4), "2,300 %"},
		{roughDuration(3.14), "3.1 s"},
		{roughDuration(119), "120 s"},
		{roughDuration(600), "10 min"},
		{roughDuration(36_000), "10 h"},
		{shortly(time.Hour), "1h"},
		{shortly(15 * time.Minute), "15m"},
		{shortly(75 * time.Minute), "1h15m"},
		{shortly(30 * time.Second), "30s"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %s, want %s", tc.got, tc.want)
		}
	}
}
