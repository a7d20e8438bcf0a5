package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// A device is a place where a user has signed in, with the time: the session itself may
// have begun long before, with the basket.
type device struct {
	Name, Address string
	SignedIn      time.Time
}

var devices = session.NewKey[device]("device")

func deviceOf(r *http.Request) device {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return device{deviceName(r.UserAgent()), host, time.Now()}
}

// signedInDevice is a device with its session, as the page shows it.
type signedInDevice struct {
	device
	PublicID          string
	LastSeen, Expires time.Time
	This              bool
	Bound             bool // to the device, so that copies of its cookies soon are worth nothing
}

// signedInDevices returns the devices of the session's owner, this one first.
func (s *shop) signedInDevices(ctx context.Context, sess *session.Session) ([]signedInDevice, error) {
	sessions, err := s.sessions.Sessions(ctx, sess.Owner())
	if err != nil {
		return nil, err
	}
	var all []signedInDevice
	for _, other := range sessions {
		if s.signedIn(other) == "" {
			continue // it was signed in with the old password
		}
		d, _ := devices.Get(other)
		found := signedInDevice{d, other.PublicID(), other.LastSeenAt(), other.ExpiresAt(), other.PublicID() == sess.PublicID(), other.Binding().State == session.BindingBound}
		if found.This {
			all = slices.Insert(all, 0, found)
		} else {
			all = append(all, found)
		}
	}
	return all, nil
}

// signOutOne signs out the device that the form names. Revoke does not check the owner of
// the session, and a forged form can name any session: so it is looked up among the
// user's own.
func (s *shop) signOutOne(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	if s.mustSignIn(w, r, sess) == "" {
		return
	}
	own, err := s.signedInDevices(r.Context(), sess)
	if err != nil {
		s.sessionError(w, r, err)
		return
	}
	publicID := r.PostFormValue("public_id")
	i := slices.IndexFunc(own, func(d signedInDevice) bool { return d.PublicID == publicID })
	if i < 0 {
		backToAccount(w, r, sess, notListed)
		return
	}
	if own[i].This {
		s.signOut(w, r, sess)
		return
	}
	err = s.sessions.Revoke(r.Context(), publicID)
	switch {
	case errors.Is(err, session.ErrEnded):
		backToAccount(w, r, sess, notListed)
	case err != nil:
		s.sessionError(w, r, err)
	default:
		backToAccount(w, r, sess, own[i].Name+" is signed out.")
	}
}

// notListed answers a form whose list is outdated. The session has ended, or the device
// has signed in again and has another session, which is on the list that follows.
const notListed = "That session is no longer there, and nothing was signed out now. These are the devices that are signed in."

func (s *shop) signOutOthers(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	if s.revokeOthers(w, r, sess) {
		backToAccount(w, r, sess, "Your other devices are signed out.")
	}
}

// signOutEverywhere signs this device out last, so that the user can try again if
// the store fails halfway.
func (s *shop) signOutEverywhere(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	if s.revokeOthers(w, r, sess) {
		s.signOut(w, r, sess)
	}
}

// revokeOthers ends the user's other sessions, and reports whether it has. If not, it has
// answered the request.
func (s *shop) revokeOthers(w http.ResponseWriter, r *http.Request, sess *session.Session) bool {
	if s.mustSignIn(w, r, sess) == "" {
		return false
	}
	err := s.sessions.RevokeOthers(r.Context(), sess)
	if err != nil {
		s.sessionError(w, r, err)
	}
	return err == nil
}
