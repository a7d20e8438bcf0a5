package faults_test

import "testing"

func TestChainFindsTornRecords(t *testing.T) {
	whole := chain{1, 2}.grow("id", 3)
	if c, err := chainOf(whole); err != nil || len(c) != 3 {
		t.Fatalf("chain %v, %v", c, err)
	}
	for name, tear := range map[string]func(){
		"bytes of another": func() { whole.Data[3] ^= 1 },
		"too short":        func() { whole.Data = whole.Data[:len(whole.Data)-8] },
		"empty":            func() { whole.Data = nil },
		"version":          func() { whole.Version = 2 },
		"format":           func() { whole.Format = "" },
	} {
		t.Run(name, func(t *testing.T) {
			whole = chain{1, 2}.grow("id", 3)
			tear()
			if _, err := chainOf(whole); err == nil {
				t.Error("is taken for whole")
			}
		})
	}
}
