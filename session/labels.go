package session

import (
	"context"
	"errors"

	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/token"
)

// SetLabel gives the session a label, so that [Manager.SessionsBy] lists it and
// [Manager.RevokeBy] ends it: the tenant that the user works in, or the issuer and the
// session ID of an OpenID provider. A session has one label of each name; SetLabel
// replaces its value, and the value "" removes it. A session with a label is stored even
// if it has no values. Renew keeps the labels. Call SetLabel at the login, together with
// Renew and SetOwner.
//
// A session may have eight labels. A name has 1 to 64 bytes, none of them NUL, and a value
// up to 512; labels do not count against Config.MaxSize. If a label exceeds that, the
// commit fails with ErrTooLarge, or with ErrEncode for a name that is empty or contains a
// NUL.
//
// Each label costs what an owner costs: see [Session.SetOwner]. Config.OwnerLimit does not
// apply to labels, but the sessions of one value are listed in one record of at most 4096.
// If that is full, the commit fails with ErrTooManySessions. Each login and logout writes
// that record, which takes 60 bytes for each session: for a value of thousands of
// sessions, or of many logins each second, choose labels of fewer sessions.
//
// The labels are not keys, and the isolation levels do not apply to them: of two requests
// that set one without Renew, the last wins. Instances of versions without labels keep
// them, but do not list a session that they renew: set labels once all instances can.
func (s *Session) SetLabel(name, value string) { s.transaction().SetLabel(name, value) }

// Label returns the value of the session's label of that name, or "" if it has none.
func (s *Session) Label(name string) string { return s.Labels()[name] }

// Labels returns the values of the session's labels by name. The map is the caller's.
func (s *Session) Labels() map[string]string {
	labels := map[string]string{}
	if s.empty() {
		return labels
	}
	for _, l := range s.transaction().Labels() {
		labels[l.Name] = l.Value
	}
	return labels
}

// SessionsBy returns the sessions whose label of that name has that value. See
// [Manager.Sessions], which it is like in all else.
func (m *Manager) SessionsBy(ctx context.Context, name, value string) ([]*Session, error) {
	m.check()
	if err := checkQuery("SessionsBy", name, value); err != nil {
		return nil, err
	}
	return m.sessions(ctx, records.Label{Name: name, Value: value})
}

// RevokeBy ends every session whose label of that name has that value: all sessions whose
// SetLabel was answered before the call. A concurrent SetLabel either ends, too, or takes
// effect after it. See [Manager.RevokeAll], which it is like in all else.
func (m *Manager) RevokeBy(ctx context.Context, name, value string) error {
	m.check()
	if err := checkQuery("RevokeBy", name, value); err != nil {
		return err
	}
	return m.revokeAll(ctx, records.Label{Name: name, Value: value})
}

// checkQuery returns an error for a label that no session has. An empty value often comes
// from a claim that is missing.
func checkQuery(method, name, value string) error {
	switch {
	case name == "":
		return errors.New("session: " + method + " without the name of a label")
	case value == "":
		return errors.New("session: " + method + " without the value of label " + name + "; no session has an empty one")
	}
	return nil
}

// labelRecordID returns the ID of the record that lists the sessions of a label.
func labelRecordID(namespace string, l records.Label) string {
	if l.Name == "" {
		return token.RecordID("owner", namespace, []byte(l.Value))
	}
	return token.RecordID("label", namespace, []byte(l.Name+"\x00"+l.Value))
}
