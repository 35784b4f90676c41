// Asks the filters of the real kubectl drain: a line of JSON in, a line of JSON out.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/kubectl/pkg/drain"
)

type question struct {
	Pods                         []corev1.Pod
	DaemonSets                   []string
	PodSelector                  string
	Force                        bool
	IgnoreDaemonSets             bool
	DeleteEmptyDirData           bool
	SkipWaitForDeleteTimeoutSecs int
}

type answer struct {
	Evict    []string
	Warnings []string
	Errors   []string
}

func ask(q question) answer {
	sets := []runtime.Object{}
	for _, each := range q.DaemonSets {
		namespace, name, _ := strings.Cut(each, "/")
		sets = append(sets, &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	}
	client := fake.NewSimpleClientset(sets...)
	client.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &corev1.PodList{Items: q.Pods}, nil
	})
	helper := &drain.Helper{
		Ctx:                             context.Background(),
		Client:                          client,
		Force:                           q.Force,
		IgnoreAllDaemonSets:             q.IgnoreDaemonSets,
		DeleteEmptyDirData:              q.DeleteEmptyDirData,
		PodSelector:                     q.PodSelector,
		SkipWaitForDeleteTimeoutSeconds: q.SkipWaitForDeleteTimeoutSecs,
	}
	list, errs := helper.GetPodsForDeletion("node")
	found := answer{Evict: []string{}, Warnings: []string{}, Errors: []string{}}
	for _, err := range errs {
		found.Errors = append(found.Errors, err.Error())
	}
	if list == nil {
		return found
	}
	for _, pod := range list.Pods() {
		found.Evict = append(found.Evict, pod.Namespace+"/"+pod.Name)
	}
	if text := list.Warnings(); text != "" {
		found.Warnings = strings.Split(text, "; ")
	}
	return found
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := json.NewEncoder(out).Encode(ask(q)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
