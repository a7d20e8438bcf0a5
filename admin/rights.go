package admin

// Rights are what an operator may do. The zero Rights allow nothing. Every right needs View
// as well.
type Rights struct {
	// View shows all pages: figures, owners, labels, public IDs, times, sizes, and the names
	// and types of values.
	View bool

	// Values shows the values of a session, one session at a time. Audit is told.
	Values bool

	// End ends a session, all sessions of an owner, or all with a label.
	End bool

	// EndAll ends every session: see session.Manager.RevokeEverything.
	EndAll bool

	// RotateKeys adds a signing key: see session.Manager.RotateSigningKey.
	RotateKeys bool
}

// AllRights returns all rights.
func AllRights() Rights {
	return Rights{View: true, Values: true, End: true, EndAll: true, RotateKeys: true}
}

// allow reports whether r includes the right that an action needs.
func (r Rights) allow(a Action) bool {
	if !r.View {
		return false
	}
	switch a {
	case ActionShowValues:
		return r.Values
	case ActionEndSession, ActionEndOwner, ActionEndLabel:
		return r.End
	case ActionEndAll:
		return r.EndAll
	case ActionRotateKeys:
		return r.RotateKeys
	}
	return false
}
