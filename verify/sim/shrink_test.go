package sim

import "slices"

// shrink returns the smallest program it finds that still fails, by leaving out
// clients, requests, steps and faults, one at a time.
func shrink(p *Program, fails func(*Program) bool) *Program {
	for {
		i := slices.IndexFunc(smaller(p), fails)
		if i < 0 {
			return p
		}
		p = smaller(p)[i]
	}
}

// smaller returns p with one thing less, in every way, large things first.
func smaller(p *Program) (list []*Program) {
	try := func(change func(*Program)) {
		q := p.clone()
		change(q)
		list = append(list, q)
	}
	for i, c := range p.clients {
		if len(p.clients) > 1 {
			try(func(q *Program) { q.clients = slices.Delete(q.clients, i, i+1) })
		}
		for j := range c.requests {
			try(func(q *Program) { q.clients[i].requests = slices.Delete(q.clients[i].requests, j, j+1) })
		}
		for j := range c.faults {
			try(func(q *Program) { q.clients[i].faults = slices.Delete(q.clients[i].faults, j, j+1) })
		}
		for j, r := range c.requests {
			simplify(r, func(s request) { try(func(q *Program) { q.clients[i].requests[j] = s }) })
		}
	}
	return list
}

// simplify offers r with one thing less.
func simplify(r request, try func(request)) {
	for k := range r.ops {
		s := r
		s.ops = slices.Delete(slices.Clone(r.ops), k, k+1)
		try(s)
	}
	for k, o := range r.ops {
		for n := range o.body {
			s := r
			s.ops = slices.Clone(r.ops)
			s.ops[k].body = slices.Delete(slices.Clone(o.body), n, n+1)
			try(s)
		}
	}
	if r.mode != handler {
		s := r
		s.mode = handler
		try(s)
	}
	if r.deaf || r.hangup > 0 {
		s := r
		s.deaf, s.hangup = false, 0
		try(s)
	}
}

// clone copies what smaller changes.
func (p *Program) clone() *Program {
	q := *p
	q.clients = slices.Clone(p.clients)
	for i, c := range q.clients {
		q.clients[i] = client{slices.Clone(c.requests), slices.Clone(c.faults)}
	}
	return &q
}
