package main

import "leap/workloads/catalog"

// defaultWorkload is the one that people mean: the bank, where this build has it.
func defaultWorkload() string {
	const bank = "openbanking"
	if _, ok := catalog.Find(bank); ok {
		return bank
	}
	return catalog.All()[0].About().Name
}
