// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpp KIND [ROUNDS [HOLD_MS]]: a thread waits ROUNDS times on one object of the C++ library, under
 * templates; every second time inside a catch block, every third in a destructor that an exception
 * runs.
 */
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <latch>
#include <mutex>
#include <optional>
#include <semaphore>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>

namespace
{

using namespace std::chrono_literals;

std::mutex mutex;
std::shared_mutex shared_mutex;
std::condition_variable condition;
std::atomic<int> word;
std::optional<std::latch> latch;
std::counting_semaphore<8> semaphore{ 0 };
bool signalled;
std::atomic<int> go, done;

/* hold and release are main's, wait is the waiting thread's. */
struct primitive {
	const char *name, *kind;
	void (*hold)();
	void (*wait)();
	void (*release)();
};

void nothing()
{
}

const primitive primitives[] = {
	{ "mutex", "mutex", [] { mutex.lock(); }, [] { std::lock_guard guard(mutex); },
	  [] { mutex.unlock(); } },
	{ "shared-read", "rwlock-read", [] { shared_mutex.lock(); },
	  [] { std::shared_lock guard(shared_mutex); }, [] { shared_mutex.unlock(); } },
	{ "shared-write", "rwlock-write", [] { shared_mutex.lock_shared(); },
	  [] { std::unique_lock guard(shared_mutex); }, [] { shared_mutex.unlock_shared(); } },
	{ "condition", "cond", nothing,
	  [] {
		  std::unique_lock guard(mutex);
		  condition.wait(guard, [] { return signalled; });
		  signalled = false;
	  },
	  [] {
		  {
			  std::lock_guard guard(mutex);
			  signalled = true;
		  }
		  condition.notify_one();
	  } },
	{ "atomic-wait", "futex", [] { word = 0; }, [] { word.wait(0); },
	  [] {
		  word = 1;
		  word.notify_all();
	  } },
	{ "latch", "barrier", [] { latch.emplace(1); }, [] { latch->wait(); },
	  [] { latch->count_down(); } },
	{ "semaphore", "sem", nothing, [] { semaphore.acquire(); }, [] { semaphore.release(); } },
};

/* Frames of a template, each with something that an exception would have to clean up. */
template <int Depth, typename Wait> [[gnu::noinline]] std::string descend(Wait wait)
{
	std::string text(32, 'x');

	if constexpr (Depth > 0)
		text += descend<Depth - 1>(wait);
	else
		wait();
	return text;
}

template <typename Wait> struct waits_at_end {
	Wait wait;

	~waits_at_end()
	{
		descend<1>(wait);
	}
};

template <typename Wait> [[gnu::noinline]] void wait_in_destructor(Wait wait)
{
	waits_at_end<Wait> last{ wait };

	throw std::runtime_error("on the way out");
}

template <typename Wait> [[gnu::noinline]] void wait_once(int round, Wait wait)
{
	try {
		if (round % 3 == 0)
			wait_in_destructor(wait);
		if (round % 2 == 0)
			throw std::logic_error("on the way in");
		descend<3>(wait);
	} catch (const std::logic_error &) {
		descend<2>(wait);
	} catch (const std::runtime_error &) {
	}
}

void poll(const std::atomic<int> &counter, int value)
{
	while (counter < value)
		std::this_thread::sleep_for(50us);
}

void waiter_main(const primitive *p, int rounds)
{
	for (int round = 1; round <= rounds; round++) {
		poll(go, round);
		wait_once(round, p->wait);
		done = round;
	}
}

int usage()
{
	std::fputs("usage: cpp KIND [ROUNDS [HOLD_MS]]; kinds:", stderr);
	for (const primitive &p : primitives)
		std::fprintf(stderr, " %s", p.name);
	std::fputc('\n', stderr);
	return 1;
}

} // namespace

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? std::atoi(argv[2]) : 23;
	std::chrono::milliseconds hold(argc > 3 ? std::atoi(argv[3]) : 5);
	const primitive *p = nullptr;

	for (const primitive &one : primitives)
		if (argc > 1 && !std::strcmp(argv[1], one.name))
			p = &one;
	if (!p)
		return usage();
	std::thread thread(waiter_main, p, rounds);
	for (int round = 1; round <= rounds; round++) {
		p->hold();
		go = round;
		std::this_thread::sleep_for(hold);
		p->release();
		poll(done, round);
	}
	thread.join();
	std::printf("{\"pid\":%d,\"kind\":\"%s\",\"rounds\":%d}\n", getpid(), p->kind, rounds);
	return 0;
}
