package main

import (
	"errors"
	"fmt"
	"log"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-go/holdfast/verify/claims"
)

// proveClaims shows that each test of a claim fails without one of the claim's
// rules, and that without each rule one of the tests does.
func (b *runner) proveClaims(file string, pattern *regexp.Regexp) error {
	all, err := claims.Read(b.root, file)
	if err != nil {
		return err
	}
	named, err := mutantsOf(all)
	if err != nil {
		return err
	}
	var chosen []*mutant
	for _, m := range named {
		chosen = append(chosen, m)
	}
	if err := b.plan(chosen); err != nil {
		return err
	}
	bad, proven := 0, 0
	for _, c := range all {
		if len(c.Rules) == 0 || !pattern.MatchString(c.Name) {
			continue
		}
		if err := b.prove(c, named); err != nil {
			log.Printf("%s: %v", c.Name, err)
			bad++
			continue
		}
		proven++
	}
	log.Printf("%s: %d of %d claims are proven by %d mutants", file, proven, proven+bad, len(named))
	if bad > 0 {
		return fmt.Errorf("%d claims are not proven", bad)
	}
	return nil
}

// mutantsOf returns the mutants that the claims name.
func mutantsOf(all []claims.Claim) (map[string]*mutant, error) {
	known, named := map[string][]*mutant{}, map[string]*mutant{}
	for _, s := range sections {
		for i := range s.mutants {
			m := &s.mutants[i]
			known[m.rule] = append(known[m.rule], m)
		}
	}
	for _, c := range all {
		for _, rule := range c.Rules {
			if len(known[rule]) != 1 {
				return nil, fmt.Errorf("%s: there are %d mutants without %q", c.Name, len(known[rule]), rule)
			}
			named[rule] = known[rule][0]
		}
	}
	return named, nil
}

func (b *runner) prove(c claims.Claim, named map[string]*mutant) error {
	failed, tests := map[claims.Test]bool{}, ofThisModule(c.Tests)
	var errs []error
	for _, test := range tests {
		if v, err := b.runClaim(test, b.plain, ""); err != nil || v.test != "" {
			errs = append(errs, fmt.Errorf("%s fails without any mutant: %v %w", test, v, err))
		}
	}
	for _, rule := range c.Rules {
		m, noticed := named[rule], false
		for _, test := range tests {
			v, err := b.runClaim(test, m.build, m.id)
			if err != nil {
				return err
			}
			if v.test != "" {
				noticed, failed[test] = true, true
			}
		}
		if !noticed {
			errs = append(errs, fmt.Errorf("no test fails without %q", rule))
		}
	}
	for _, test := range tests {
		if !failed[test] {
			errs = append(errs, fmt.Errorf("%s fails without none of the rules %q", test, c.Rules))
		}
	}
	return errors.Join(errs...)
}

// runClaim runs one test.
func (b *runner) runClaim(test claims.Test, on *build, id string) (verdict, error) {
	bin, err := on.tests(test.Package)
	if err != nil {
		return verdict{}, err
	}
	return b.run(stage{pkg: test.Package, run: test.Pattern()}, bin, id), nil
}

// ofThisModule returns the tests that meet mutants: not those of nested modules.
func ofThisModule(tests []claims.Test) (ours []claims.Test) {
	for _, test := range tests {
		if !slices.ContainsFunc([]string{"verify/e2e", "verify/itest", "verify/interop", "adapters"}, func(nested string) bool {
			return test.Package == nested || strings.HasPrefix(test.Package, nested+"/")
		}) {
			ours = append(ours, test)
		}
	}
	return ours
}
