//go:build !linux && !darwin

package main

import "errors"

const fileLimit = "HOLDFAST_TEST_FILE_LIMIT"

func limitFiles(uint64) error { return errors.ErrUnsupported }
