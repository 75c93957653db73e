// Runs the unmodified SDK polaris-cpp as a consumer. Its arguments are the server's
// address, a folder for the SDK's files, and the chain of the SDK's routers if that
// is not the default. Each line of standard input is a command
// of words between spaces:
//
//   all SERVICE         every instance that the SDK has, past its routers
//   pick SERVICE N      N instances, as the SDK's routers and load balancer choose
//   set SERVICE N NAME  the same, and the caller names its SET to the set router
//
// Each answer is a line of JSON: the hosts, each once and sorted, those of them that
// are not healthy, and the SDK's code of the last call that failed, or 0.

#include <iostream>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "polaris/consumer.h"
#include "polaris/log.h"

namespace {

struct Answer {
  std::set<std::string> hosts, unhealthy;
  int code;

  Answer() : code(0) {}

  void Add(polaris::Instance& instance) {
    hosts.insert(instance.GetHost());
    if (!instance.isHealthy()) unhealthy.insert(instance.GetHost());
  }
};

std::string Quoted(const std::set<std::string>& hosts) {
  std::string text;
  for (std::set<std::string>::const_iterator host = hosts.begin(); host != hosts.end(); ++host) {
    text += (text.empty() ? "\"" : ", \"") + *host + "\"";
  }
  return "[" + text + "]";
}

Answer All(polaris::ConsumerApi& api, const polaris::ServiceKey& service) {
  Answer answer;
  polaris::GetInstancesRequest request(service);
  polaris::InstancesResponse* response = NULL;
  answer.code = api.GetAllInstances(request, response);
  if (answer.code == polaris::kReturnOk) {
    std::unique_ptr<polaris::InstancesResponse> owned(response);
    for (std::size_t n = 0; n < response->GetInstances().size(); ++n) answer.Add(response->GetInstances()[n]);
  }
  return answer;
}

Answer Pick(polaris::ConsumerApi& api, const polaris::ServiceKey& service, int times, const std::string& set) {
  Answer answer;
  for (; times > 0; --times) {
    polaris::GetOneInstanceRequest request(service);
    if (!set.empty()) request.SetSourceSetName(set);
    polaris::Instance instance;
    int code = api.GetOneInstance(request, instance);
    if (code == polaris::kReturnOk) {
      answer.Add(instance);
    } else {
      answer.code = code;
    }
  }
  return answer;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::cerr << "usage: consumer SERVER FOLDER [ROUTERS]" << std::endl;
    return 2;
  }
  const std::string folder = argv[2];
  polaris::SetLogDir(folder + "/log");
  // The SDK's defaults, but for what differs between several on one host.
  const std::string chain = argc == 4 ? "  serviceRouter: {chain: [" + std::string(argv[3]) + "]}\n" : "";
  std::unique_ptr<polaris::ConsumerApi> api(polaris::ConsumerApi::CreateFromString(
      "global:\n  serverConnector: {addresses: ['" + std::string(argv[1]) + "']}\n" +
      "consumer:\n  localCache: {persistDir: '" + folder + "/backup'}\n" + chain));
  if (!api) {
    std::cerr << "the SDK does not start" << std::endl;
    return 1;
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string command, name, set;
    int times = 0;
    words >> command >> name >> times >> set;
    polaris::ServiceKey service = {"default", name};
    Answer answer = command == "all" ? All(*api, service) : Pick(*api, service, times, set);
    std::cout << "{\"hosts\": " << Quoted(answer.hosts) << ", \"unhealthy\": " << Quoted(answer.unhealthy)
              << ", \"code\": " << answer.code << "}" << std::endl;
  }
  return 0;
}
