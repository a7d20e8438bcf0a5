package admin

import (
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// page returns the page of that number: one that was read before, or the next one.
func (n *listing) page(number int) (listPage, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended || number < n.first || number > n.first+len(n.pages) {
		return listPage{}, errListingEnded
	}
	n.use()
	if at := number - n.first; at < len(n.pages) {
		return n.pages[at], nil
	}
	if len(n.pages) > 0 && n.pages[len(n.pages)-1].Last {
		return listPage{}, errListingEnded
	}
	p, err := n.read(number)
	if err != nil {
		return listPage{}, err
	}
	n.pages = append(n.pages, p)
	if len(n.pages) > keptPages {
		n.pages = append([]listPage(nil), n.pages[1:]...)
		n.first++
	}
	return p, nil
}

// read reads the next page. It stops at pageSize sessions, at maxLooked records, or when
// there are no more.
func (n *listing) read(number int) (listPage, error) {
	limit := time.AfterFunc(pageTime, n.cancel)
	defer limit.Stop()
	p := listPage{Number: number}
	for looked := 0; len(p.Rows) < pageSize && looked < maxLooked; looked++ {
		info, err, ok := n.next()
		if err != nil {
			n.ended = true
			return p, err
		}
		if !ok {
			p.Last = true
			break
		}
		n.looked++
		if info.Kind == session.KindSession {
			p.Rows = append(p.Rows, rowOf(info))
		}
	}
	p.Looked = n.looked
	return p, nil
}

// use puts off the end of the listing. The caller must hold n.mu.
func (n *listing) use() {
	n.used = time.Now()
	n.timer.Reset(listingLasts)
}

// lastUse returns when the listing was last used. One that is being read is in use.
func (n *listing) lastUse() time.Time {
	if !n.mu.TryLock() {
		return time.Now()
	}
	defer n.mu.Unlock()
	return n.used
}

// row is a session in a list.
type row struct {
	PublicID string
	Owner    string
	Created  time.Time
	LastSeen time.Time
	Expires  time.Time
	Size     int // 0: not known
	Keys     int
}

func rowOf(info *session.Info) row {
	return row{
		PublicID: info.PublicID, Owner: info.Owner,
		Created: info.CreatedAt, LastSeen: info.LastSeenAt, Expires: info.ExpiresAt,
		Size: info.Size, Keys: len(info.Values),
	}
}

func rowOfSession(s *session.Session) row {
	return row{
		PublicID: s.PublicID(), Owner: s.Owner(),
		Created: s.CreatedAt(), LastSeen: s.LastSeenAt(), Expires: s.ExpiresAt(),
		Keys: len(s.Keys()),
	}
}

// oldest returns the number of the oldest page that can be shown again.
func (n *listing) oldest() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.first
}
