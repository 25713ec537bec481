import { describe, expect, it } from "vitest";

import { defaultRouteInterfaces } from "../../../src/hardware/default-routes.ts";

const HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

function ipv4(name: string, destination: string, flags: string, metric: number, mask: string): string {
  return `${name}\t${destination}\t010200C0\t${flags}\t0\t0\t${metric}\t${mask}\t0\t0\t0            \n`;
}

function ipv6(name: string, bits: string, metric: string, flags: string): string {
  const zeros = "0".repeat(32);
  return `${zeros} ${bits} ${zeros} 00 fd000000000000000000000000000001 ${metric} 00000003 00000000 ${flags}     ${name}\n`;
}

describe("defaultRouteInterfaces", () => {
  it.each([
    { title: "none of empty tables", ipv4Routes: "", ipv6Routes: "", expected: [] },
    {
      title: "the lowest metric's",
      ipv4Routes: `${HEAD}${ipv4("eth0", "00000000", "0003", 1024, "00000000")}${ipv4("eth1", "00000000", "0003", 100, "00000000")}`,
      ipv6Routes: "",
      expected: ["eth1"],
    },
    {
      title: "no other route's, nor one that is rejected or down",
      ipv4Routes:
        HEAD +
        ipv4("eth0", "000200C0", "0001", 0, "00FFFFFF") +
        ipv4("half", "00000000", "0003", 0, "00000080") +
        ipv4("*", "00000000", "0201", 0, "00000000") +
        ipv4("down", "00000000", "0002", 0, "00000000"),
      ipv6Routes: ipv6("lo", "00", "ffffffff", "00200200") + ipv6("eth2", "40", "00000100", "00000001"),
      expected: [],
    },
    {
      title: "one of each family",
      ipv4Routes: `${HEAD}${ipv4("eth0", "00000000", "0003", 0, "00000000")}`,
      ipv6Routes: ipv6("eth2", "00", "00000400", "00000003") + ipv6("eth3", "00", "00000200", "00000003"),
      expected: ["eth0", "eth3"],
    },
  ])("has $title", ({ ipv4Routes, ipv6Routes, expected }) => {
    expect([...defaultRouteInterfaces(ipv4Routes, ipv6Routes)]).toEqual(expected);
  });
});
