package main

import (
	"errors"
	"fmt"
)

// copiedJSON is the output of copy -json.
type copiedJSON struct {
	Copied      int64 `json:"copied"`
	Replaced    int64 `json:"replaced"`
	Kept        int64 `json:"kept"`
	Expired     int64 `json:"expired"`
	Refused     int64 `json:"refused"`
	TooLarge    int64 `json:"tooLarge"`
	Unversioned int64 `json:"unversioned"`
	Complete    bool  `json:"complete"`
}

// printCopied prints what was copied to a store until err.
func (j *job) printCopied(c counts, err error) error {
	refused := c.TooLarge + c.Unversioned
	if err == nil && refused > 0 {
		err = fmt.Errorf("%s could not be copied", plural(int(refused), "record"))
	}
	if j.json {
		out := copiedJSON{c.Copied, c.Replaced, c.Kept, c.Expired, refused, c.TooLarge, c.Unversioned, err == nil}
		return errors.Join(j.printJSON(out), err)
	}
	var rows rows
	rows.add("copied, or there already", c.Copied)
	rows.addSome("replaced others in -to", c.Replaced)
	rows.addSome("not copied: others are in -to", c.Kept)
	rows.addSome("not copied: expired", c.Expired)
	rows.addSome("refused: too large", c.TooLarge)
	rows.addSome("refused: no positive version", c.Unversioned)
	if err != nil && refused == 0 {
		rows.b.WriteString("not complete: run it again; it copies what is not there yet.\n")
	}
	return errors.Join(j.print(&rows), err)
}

// comparedJSON is the output of copy -verify -json.
type comparedJSON struct {
	Same     int64 `json:"same"`
	Differ   int64 `json:"differ"`
	Missing  int64 `json:"missing"`
	Expired  int64 `json:"expired"`
	Complete bool  `json:"complete"`
}

// printCompared prints how -to differs from -from.
func (j *job) printCompared(c counts, err error) error {
	if different := c.Kept + c.Missing; err == nil && different > 0 {
		err = fmt.Errorf("%s not the same in -to; that is to be expected if a program uses one of the stores", ofFrom(different))
	}
	if j.json {
		return errors.Join(j.printJSON(comparedJSON{c.Copied, c.Kept, c.Missing, c.Expired, err == nil}), err)
	}
	var rows rows
	rows.add("the same in -to", c.Copied)
	rows.add("another in -to", c.Kept)
	rows.add("not in -to", c.Missing)
	rows.addSome("expired", c.Expired)
	if err == nil {
		rows.b.WriteString("complete: -to has every record of -from.\n")
	}
	return errors.Join(j.print(&rows), err)
}

// savedJSON is the output of copy -json to a backup.
type savedJSON struct {
	Copied int64 `json:"copied"`
	Bytes  int64 `json:"bytes"`
	Sealed bool  `json:"sealed"`
}

// printSaved prints that a backup is whole.
func (j *job) printSaved(s savedJSON) error {
	if j.json {
		return j.printJSON(s)
	}
	how := "not sealed: it shows the values of the sessions; set " + sealsEnv + " to seal it"
	if s.Sealed {
		how = "sealed; keep the keys elsewhere"
	}
	_, err := fmt.Fprintf(j.stdout, "copied %s, %s; %s\n", plural(int(s.Copied), "record"), bytesText(s.Bytes), how)
	return err
}
