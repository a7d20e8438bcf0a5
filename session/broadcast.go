package session

import (
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/broadcast"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/txn"
	"github.com/holdfast-go/holdfast/session/internal/watch"
)

// broadcastIn sets up what tells other instances of ended sessions and released leases, and
// hears what they tell, without any I/O.
func (m *Manager) broadcastIn(p provider.Provider) {
	o := broadcast.ListenerOptions{Heard: m.heardEpoch(), Logger: m.cfg.Logger}
	if b, ok := p.(provider.Broadcaster); ok {
		o.Listen = b.Listen
		m.sender = broadcast.NewSender(broadcast.SenderOptions{
			Broadcast: b.Broadcast,
			Context:   m.backgroundCall,
			Logger:    m.cfg.Logger,
		})
	}
	m.listener = broadcast.NewListener(o)
	m.watches = watch.New(watch.Options{
		Check: m.checkWatched, Listener: m.listener, Interval: m.cfg.WatchInterval,
	})
}

// ended is called after the tombstones of these sessions were saved.
func (m *Manager) ended(ids ...string) {
	m.watches.Look(ids...)
	if m.sender != nil {
		m.sender.SendEnded(ids...)
	}
}

// tellOthers waits a moment until the other instances were told which sessions have
// ended: the program may be about to exit.
func (m *Manager) tellOthers() {
	if m.sender != nil {
		m.sender.Flush()
	}
}

// releases returns what tells of the leases of other instances, nil if nothing does.
func (m *Manager) releases() txn.Releases {
	if m.sender == nil {
		return nil
	}
	return leaseReleases{m.sender, broadcast.NewReleases(m.listener)}
}

// leaseReleases implements txn.Releases.
type leaseReleases struct {
	sender *broadcast.Sender
	waits  *broadcast.Releases
}

func (r leaseReleases) Released(holder envelope.Holder) { r.sender.SendReleased(broadcast.Tag(holder)) }

func (r leaseReleases) Await(holder envelope.Holder, id string) txn.Wait {
	return r.waits.Await(broadcast.Tag(holder), id)
}
