package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var (
	errNotFound = fmt.Errorf("sqlite: %w", provider.ErrNotFound)
	errTooLarge = fmt.Errorf("sqlite: %w: over 16 MiB of Data", provider.ErrTooLarge)
	errHindered = outcome.Refused(errors.New("sqlite: the record cannot be written, though nothing is in its way; does a trigger of the table interfere?"))
)

// unsent is the error of a call whose statement was not begun, or has certainly had no
// effect.
type unsent struct{ error }

func (u *unsent) Unwrap() error { return u.error }

// explain converts err into an error for the caller that suggests what to do about it.
func (p *Provider) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	_, notSent := errors.AsType[*unsent](err)
	code := codeOf(err)
	explained := p.words(ctx, err, code, notSent)
	switch {
	case notSent && (code != 0 || ctx.Err() != nil || errors.Is(err, errReplaced)), rolledBack(code):
		return outcome.Refused(explained)
	case notSent:
		return outcome.NotSaved(explained)
	default:
		return explained
	}
}

// rolledBack reports whether a code means that the statement, which is a transaction of
// its own, has no effect. All others may occur during the commit, as an error of writing
// to the disk, or are not known. SQLITE_INTERRUPT may even occur after the commit: SQLite
// calls the progress handler once more, by which drivers end a statement with its context.
func rolledBack(code resultCode) bool {
	switch code.primary() {
	case codeError, codePerm, codeBusy, codeLocked, codeReadOnly, codeFull, codeCantOpen, codeProtocol,
		codeSchema, codeTooBig, codeConstraint, codeMismatch, codeAuth, codeNotADB:
		return true
	default:
		return false
	}
}

// words returns err with a text for the caller.
func (p *Provider) words(ctx context.Context, err error, code resultCode, notSent bool) error {
	reason := err
	if code != 0 && (!notSent || isLocked(code)) {
		reason = code // the driver's text may quote a value
	}
	if over := ctx.Err(); over != nil {
		if errors.Is(reason, over) {
			return fmt.Errorf("sqlite: %w", reason)
		}
		return fmt.Errorf("sqlite: %w: %w", over, reason)
	}
	switch code.primary() {
	case codeError, codeConstraint, codeMismatch:
		return p.wrongTable(reason)
	case codeReadOnly, codePerm, codeAuth:
		return fmt.Errorf("sqlite: the database cannot be written: the file, and its directory for the two files beside it, must be writable for the user that runs the program, and the connection must not be read-only: %w", reason)
	case codeCantOpen:
		return fmt.Errorf("sqlite: the file of the database, or one of the two beside it, cannot be opened: the directory must exist, and it and the files must be readable and writable for the user that runs the program: %w", reason)
	case codeFull:
		return fmt.Errorf("sqlite: %w; make room on the disk, or raise PRAGMA max_page_count: %w", provider.ErrFull, reason)
	case codeTooBig:
		return fmt.Errorf("sqlite: %w: %w", provider.ErrTooLarge, reason)
	case codeIOErr:
		return fmt.Errorf("sqlite: reading or writing the file of the database, or one of the two beside it, failed; see the disk and whether the user that runs the program may write there: %w", reason)
	case codeNotADB:
		return fmt.Errorf("sqlite: the file is not an SQLite database, or it is encrypted; name another file: %w", reason)
	case codeCorrupt:
		return fmt.Errorf("sqlite: the database is damaged; restore a backup, or see PRAGMA integrity_check: %w", reason)
	}
	return fmt.Errorf("sqlite: %w", reason)
}

func (p *Provider) wrongTable(reason error) error {
	return fmt.Errorf("sqlite: table %s is missing or is not as it should be; create it with CreateTable or by the SQL of Schema: %w", p.table.quoted(), reason)
}
