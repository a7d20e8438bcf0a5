package scs_test

import (
	_ "github.com/alexedwards/scs/v2"
	_ "github.com/holdfast-go/holdfast/adapters/scsholdfast"
)
