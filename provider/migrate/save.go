package migrate

import (
	"context"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// save saves rec where the record is. It begins with what the caller expects there.
func (p *Provider) save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if p.moved.has(rec.ID) {
		return p.saveTo(ctx, rec, expectVersion)
	}
	e := entry{state: absent}
	switch {
	case expectVersion > 0:
		e = entry{state: plain, version: expectVersion}
	case expectVersion < 0:
		var err error
		if e, err = p.look(ctx, rec.ID); err != nil {
			return unsaved(err)
		}
	}
	for {
		done, now, err := p.saveOver(ctx, rec, expectVersion, e)
		switch {
		case err != nil || done:
			return err
		case now.state == plain && !allows(now, expectVersion):
			if now.version == rec.Version {
				return nil // stored by an earlier attempt
			}
			return conflict(now.rec)
		}
		if err := ctx.Err(); err != nil {
			return unsaved(inFrom(err))
		}
		e = now
	}
}

// allows reports whether a Save that expects a version may replace a record of from.
func allows(e entry, expectVersion int64) bool {
	return expectVersion < 0 || expectVersion > 0 && e.version == expectVersion
}

// saveOver saves rec where e is. If from has something else, it returns that.
func (p *Provider) saveOver(ctx context.Context, rec *provider.Record, expectVersion int64, e entry) (done bool, now entry, err error) {
	switch e.state {
	case moving:
		if _, err := p.finish(ctx, e); err != nil {
			return false, e, unsaved(err)
		}
		return true, e, p.saveTo(ctx, rec, expectVersion)
	case moved:
		return true, e, p.saveTo(ctx, rec, expectVersion)
	case absent:
		return p.saveAbsent(ctx, rec, expectVersion)
	}
	if e.version <= 0 {
		return false, e, outcome.Refused(ErrUnversioned)
	}
	return p.swap(ctx, stored(rec), e.version)
}

// saveAbsent saves rec if from has nothing. In the phase Move the record is created in to,
// after the marker: an instance in the phase Prepare then does not create it in from.
func (p *Provider) saveAbsent(ctx context.Context, rec *provider.Record, expectVersion int64) (done bool, now entry, err error) {
	switch {
	case p.prepare && expectVersion > 0:
		return true, now, conflict(nil)
	case p.prepare:
		return p.swap(ctx, stored(rec), 0)
	case expectVersion > 0:
		there, err := p.lookTo(ctx, rec.ID)
		if err != nil {
			return false, now, unsaved(err)
		}
		if there.state != plain {
			return true, now, conflict(nil)
		}
	}
	now, err = p.mark(ctx, rec.ID)
	return false, now, err
}
