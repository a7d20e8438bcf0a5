package migrate

// SkipProbe makes Move and MoveAll begin without the check of the stores.
func (p *Provider) SkipProbe() { p.probed.Store(true) }

// Forget empties the set of the IDs that are known to be moved.
func (p *Provider) Forget() { p.moved = idSet{} }

// What a record of a store stands for.
var (
	IsMoved       = func(format string) bool { return format == formatMoved }
	IsReservation = func(format string) bool { return format == formatReserved }
	IsMoving      = func(format string) bool {
		return len(format) > len(formatMoving) && format[:len(formatMoving)] == formatMoving
	}
	IsReserved = isReserved
)

const (
	ReservationTime = reservationTime
	MaxIDs          = maxIDs
	MaxOverhead     = maxOverhead
)

// IDSet is the set of the IDs that are known to be moved.
type IDSet struct{ set idSet }

func (s *IDSet) Add(id string)      { s.set.add(id) }
func (s *IDSet) Has(id string) bool { return s.set.has(id) }
func (s *IDSet) Len() int           { return len(s.set.new) + len(s.set.old) }
