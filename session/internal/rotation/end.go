package rotation

import "github.com/holdfast-go/holdfast/session/internal/records"

// End ends the session of that ID, which holds base, because of the use of an index that
// must not be used any more. It does so only if that is true of what is stored when the
// tombstone is saved, and it does not follow a renewal. It returns what is stored
// afterwards, which is nil if there is no record, and what this call has ended, which is nil
// if it has not ended the session.
func (p *Policy) End(a *records.Access, id string, base *records.Content, index uint64) (stored, ended *records.Content, err error) {
	stored = base
	tombstone, err := a.ChangeUnqueued(id, base, func(current *records.Content) (*records.Content, error) {
		stored = current
		if current == nil || current.Tombstone || !p.IsTheft(current, index) {
			return nil, nil
		}
		return records.Tombstone(current, "", true), nil
	})
	if tombstone != nil {
		return tombstone, stored, err
	}
	return stored, nil, err
}
