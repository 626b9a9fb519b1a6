-- Makes wrk send the requests of a file, and say in one line of JSON what came of them:
--
--   wrk ... -s bench/wrk.lua <url> -- <file> <threads>
--
-- A line of the file is method, path, Idempotency-Key and body, with tabs between them; the last
-- two may be empty. All are formatted before the clock starts: sending one costs a table look-up.
-- Each thread has lines of its own, and begins anew when it has sent them all.

local threads = {}

function setup(thread)
    thread:set("number", #threads)
    table.insert(threads, thread)
end

local requests = {}
local sent = 0
again = 0

local function formatted(line)
    local method, path, key, body = line:match("^(%u+)\t([^\t]+)\t([^\t]*)\t([^\t]*)$")
    assert(method, "no request: " .. line)
    local headers = {}
    if key ~= "" then headers["Idempotency-Key"] = key end
    if body ~= "" then headers["Content-Type"] = "application/json" end
    return wrk.format(method, path, headers, body ~= "" and body or nil)
end

function init(args)
    local count, lines = tonumber(args[2]), 0
    for line in io.lines(args[1]) do
        if lines % count == number then table.insert(requests, formatted(line)) end
        lines = lines + 1
    end
    assert(#requests > 0, "a thread has no requests")
end

function request()
    if sent == #requests then sent, again = 0, again + 1 end
    sent = sent + 1
    return requests[sent]
end

function done(summary, latency)
    local failed, repeated = summary.errors, 0
    for _, thread in ipairs(threads) do repeated = repeated + thread:get("again") end
    print(string.format(
        '{"requests":%d,"duration_us":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d,"max_us":%d,'
            .. '"refused":%d,"broken":%d,"repeated":%d}',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(90),
        latency:percentile(99), latency.max, failed.status,
        failed.connect + failed.read + failed.write + failed.timeout, repeated
    ))
end
