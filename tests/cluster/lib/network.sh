# shellcheck shell=bash
# The cluster's network namespace, its link to the host, and the routes by which programs on the host reach services
# and pods. There is no way out of the namespace: what is not the cluster's is unreachable, and 198.51.100.0/24 (the
# second documentation block, RFC 5737) is a black hole, for stories about servers that never answer.

make_network() {
    local inside="$LINK-in"
    ip netns add "$NETNS"
    ip link add "$LINK" type veth peer name "$inside" netns "$NETNS"
    ip -n "$NETNS" link set "$inside" name eth0
    ip addr add "$HOST_IP/24" dev "$LINK"
    ip link set "$LINK" up
    ip -n "$NETNS" link set lo up
    ip -n "$NETNS" addr add "$NODE_IP/24" dev eth0
    ip -n "$NETNS" link set eth0 up
    # Nothing has a service's address: the route only makes the kernel send what kube-proxy's rules then turn to a pod.
    ip -n "$NETNS" route add "$SERVICE_RANGE" dev eth0
    ip -n "$NETNS" route add blackhole 198.51.100.0/24
    in_netns sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    ip route add "$SERVICE_RANGE" via "$NODE_IP"
    ip route add "$POD_RANGE" via "$NODE_IP"
}

in_netns() { nsenter --net="/run/netns/$NETNS" -- "$@"; }

# Takes link, routes and namespace away; the routes go with the link.
remove_network() {
    ip link delete "$LINK" 2>/dev/null || true
    [[ ! -e /run/netns/$NETNS ]] || ip netns delete "$NETNS" 2>/dev/null || true
}
