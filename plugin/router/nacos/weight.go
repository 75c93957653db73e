package nacos

import (
	"math"
	"strconv"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
)

// maxWeight is the largest weight in Nacos.
const maxWeight = 10000

// checkWeight returns an error for what is no weight.
func checkWeight(weight float64) error {
	if weight >= 0 && weight <= maxWeight {
		return nil
	}
	return badRequest("weight is %v, expected a number from 0 to %d", weight, maxWeight)
}

// storedWeight returns what Polaris keeps of a weight: the nearest whole number, and 1 for
// any weight between 0 and 1, as 0 takes an instance out.
func storedWeight(weight float64) uint32 {
	if weight <= 0 {
		return 0
	}
	return uint32(max(1, math.Round(weight)))
}

// storable makes an instance that a client registers such that Polaris keeps its weight: a
// weight that is no whole number goes into the metadata. Metadata that clients do not set
// are dropped. The metadata given are not written. Storable fails for what is no weight.
func storable(i *nacosmodel.Instance) error {
	if err := checkWeight(i.Weight); err != nil {
		return err
	}
	i.Metadata = clientMetadata(i.Metadata)
	if stored := float64(storedWeight(i.Weight)); stored != i.Weight {
		i.Metadata[metaWeight] = strconv.FormatFloat(i.Weight, 'g', -1, 64)
		i.Weight = stored
	}
	return nil
}

// hostWeight returns the weight of an instance as Nacos clients see it: what was registered,
// unless a rule gives the instance a share.
func hostWeight(i *apiservice.Instance) float64 {
	weight := i.GetWeight().GetValue()
	registered, err := strconv.ParseFloat(i.GetMetadata()[metaWeight], 64)
	if err == nil && checkWeight(registered) == nil && storedWeight(registered) == weight {
		return registered
	}
	return float64(weight)
}
